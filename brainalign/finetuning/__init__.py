"""Brain-guided fine-tuning (NARF): losses, parameters, the training loop on DeepSpeed, checkpoints."""
