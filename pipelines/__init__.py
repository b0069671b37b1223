"""HOW data flows: one module per stage of dvc.yaml, with generators and scorers."""
