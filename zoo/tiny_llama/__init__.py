"""How `zoo:tiny-llama` is made: corpus, tokenizer, structured start, two stages of training, packaging."""
