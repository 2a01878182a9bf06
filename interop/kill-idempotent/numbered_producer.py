"""What NumberedProducer.java does, through librdkafka. The same arguments and the same output."""

import sys
import threading
import time

from confluent_kafka import Producer

bootstrap, topic, partitions, is_idempotent = sys.argv[1:5]
outcomes = []
ending = threading.Event()


def wait_for_the_end():
    sys.stdin.read()
    ending.set()


def note(error, message):
    outcomes.append((int(message.value()), message.offset() if error is None else error.name()))


threading.Thread(target=wait_for_the_end, daemon=True).start()
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "acks": "all",
        "enable.idempotence": is_idempotent,
        "message.timeout.ms": 300000,
        "socket.timeout.ms": 10000,
        "reconnect.backoff.max.ms": 200,
        "log_level": 2,
    }
)
count = 0
while not ending.is_set():
    try:
        producer.produce(topic, str(count), partition=count % int(partitions), on_delivery=note)
    except BufferError:
        producer.poll(0.1)
        continue
    count += 1
    producer.poll(0)
    if count % 10 == 0:
        time.sleep(0.001)
while producer.flush(1) > 0:
    pass
for number, outcome in sorted(outcomes):
    print(number, outcome)
