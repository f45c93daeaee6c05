"""The model registry: which models were trained, on what, how good they are, and which of them scores a night."""
