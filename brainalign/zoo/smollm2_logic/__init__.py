"""SmolLM2-135M-Instruct with an adapter that decides generated problems: loading, and the adapter's files."""
