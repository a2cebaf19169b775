"""Files of weights and training state: safetensors with a versioned JSON header, nothing pickled."""
