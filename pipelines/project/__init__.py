"""A project of a user's own: its files, its data sets, and what is checked before anything costs.

- `scaffold`: an empty project, for `stemma init`
- `detection`: what a source holds, for `stemma dataset add`
- `dataset_entry`, `generator_settings`, `guard_limits`, `plots`: what params.yaml and dvc.yaml get
- `out_of_fold`, `thresholds`, `suite_template`: the suite, measured on real training rows
- `suite_check`: does a suite fit its data and its scorers
- `yaml_edit`: changes a YAML file and keeps its comments
"""
