"""Writes an event straight into Kafka: CloudEvents 1.0, binary mode. pip install confluent-kafka"""

import datetime
import json
import os
import uuid

from confluent_kafka import Producer

producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092"),
        "enable.idempotence": True,
    }
)


def report(error, message):
    if error is not None:
        raise SystemExit(f"not written: {error}")


producer.produce(
    "notifications",
    key="ada",
    value=json.dumps({"orderNumber": "1042", "itemCount": 2, "parcels": [{"trackingNumber": "X1"}]}),
    headers={
        "content-type": "application/json",
        "ce_specversion": "1.0",
        # The same id again is the same event: what a retry repeats is dropped.
        "ce_id": str(uuid.uuid4()),
        "ce_source": "/orders",
        "ce_type": "com.acme.order.shipped",
        "ce_time": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "ce_audience": "user",
        "ce_subject": "ada",
    },
    on_delivery=report,
)
producer.flush()
