"""From text to conditions: lexer, parser, vocabulary."""
