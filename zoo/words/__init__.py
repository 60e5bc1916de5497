"""How the words of millrace are made: espeak-ng says each, cut at its ends and brought to 16 kHz."""
