"""An adapter that teaches a small language model to decide generated problems: its questions, plan and training."""
