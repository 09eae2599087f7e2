"""One event, as a task's process produces it: `cold_confluent.py BOOTSTRAP TOPIC`."""

import sys

from confluent_kafka import Producer

producer = Producer({"bootstrap.servers": sys.argv[1], "acks": "all"})
producer.produce(sys.argv[2], bytes(1024))
if producer.flush(60):
    sys.exit("not delivered within a minute")
