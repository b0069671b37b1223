"""Events about the runs of stages, for tools that speak OpenLineage."""
