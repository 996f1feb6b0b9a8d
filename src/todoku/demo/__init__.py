"""The story, lived through: people who live in the lab, and todoku at work for them."""
