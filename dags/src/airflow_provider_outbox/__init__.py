"""Workflow events through a durable local outbox to Kafka.

`airflow_provider_outbox.events` has the events and their producer, and needs no Airflow.
"""
