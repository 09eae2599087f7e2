"""The names of `airflow_provider_outbox`, where the code is.

A project with a module `workflow_integration` of its own imports them from there.
"""

from airflow_provider_outbox import WorkflowEventNotifier, publish_event, publish_workflow_event

__all__ = ["WorkflowEventNotifier", "publish_event", "publish_workflow_event"]
