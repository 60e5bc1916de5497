"""openai: chat completions, completions and models, as OpenAI's clients expect them."""
