"""What the terminal shows: text made safe, laid out by width, and said in the reader's language."""
