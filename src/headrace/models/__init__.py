"""models: how real models attach, without being forked."""
