"""understanding: what enters, what is kept, when to speak, what to say."""
