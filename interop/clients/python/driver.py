"""The scenarios of ../../scenarios.ts through confluent-kafka (librdkafka).

Arguments: bootstrap address, run id, scenario names with commas. With "member" first it is the third
member of a consumer group instead, which the group scenario kills.
"""

import random
import subprocess
import sys
import time
import traceback

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

TIME_BASE = int(time.time() * 1000) - 3_600_000
WAIT = 30


class Failed(Exception):
    pass


def check(condition, expectation):
    if not condition:
        raise Failed(f"expected {expectation}")


def wait_until(what, seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < deadline, f"{what} within {seconds} s")
        time.sleep(0.05)


def refused(code, future):
    try:
        future.result(WAIT)
    except KafkaException as error:
        check(error.args[0].code() == code, f"error {code}, got {error.args[0]}")
        return
    check(False, f"error {code}, got success")


def quiet(_error):
    """Connection errors while the broker restarts are part of a scenario."""


class Client:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "error_cb": quiet})

    def create(self, topic, partitions=1, config=None):
        new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config or {})
        self.admin.create_topics([new])[topic].result(WAIT)

        def known():
            listed = self.admin.list_topics(topic, timeout=10).topics.get(topic)
            return listed is not None and len(listed.partitions) == partitions

        wait_until("the new topic in metadata", 10, known)

    def producer(self, **settings):
        named = {name.replace("_", "."): value for name, value in settings.items()}
        return Producer(
            {"bootstrap.servers": self.bootstrap, "message.timeout.ms": 60000, "error_cb": quiet, **named}
        )

    def consumer(self, group="unused"):
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 3000,
                "heartbeat.interval.ms": 500,
                "error_cb": quiet,
            }
        )

    def read_from(self, topic, offset, count):
        consumer = self.consumer()
        try:
            consumer.assign([TopicPartition(topic, 0, offset)])
            return take(consumer, count)
        finally:
            consumer.close()

    def produce_timed(self, topic, count):
        self.create(topic)
        producer = self.producer()
        for i in range(count):
            producer.produce(topic, f"message {i}", f"key {i}", partition=0, timestamp=TIME_BASE + i * 1000)
            if i % 10 == 9:
                producer.flush(WAIT)
        check(producer.flush(WAIT) == 0, "all messages sent")
        return [f"message {i}".encode() for i in range(count)]

    def watermarks(self, topic):
        consumer = self.consumer()
        try:
            return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=WAIT)
        finally:
            consumer.close()


def take(consumer, count):
    messages = []
    deadline = time.monotonic() + WAIT
    while len(messages) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            raise Failed(str(message.error()))
        messages.append(message)
    check(len(messages) == count, f"{count} messages, got {len(messages)}")
    return messages


def check_values(expected, messages):
    got = [message.value() for message in messages]
    check(got == expected, f"the {len(expected)} values as sent, got others")


def text(seed, size):
    numbers = random.Random(seed)
    parts = []
    length = 0
    while length < size:
        part = f"{numbers.randrange(1000)} "
        parts.append(part)
        length += len(part)
    return "".join(parts)[:size].encode()


class Reports:
    """Delivery reports in the order of their arrival."""

    def __init__(self):
        self.offsets = []
        self.errors = []

    def __call__(self, error, message):
        if error is not None:
            self.errors.append(error)
        else:
            self.offsets.append(message.offset())


def create_topic(client, topic):
    client.create(topic, 3)
    again = client.admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=1)])
    refused(KafkaError.TOPIC_ALREADY_EXISTS, again[topic])
    five = client.admin.create_topics([NewTopic(topic + "-five", num_partitions=1, replication_factor=5)])
    refused(KafkaError.INVALID_REPLICATION_FACTOR, five[topic + "-five"])


def produce_with(compression):
    def produce(client, topic):
        client.create(topic)
        sent = []
        for acks in ("1", "all", "0"):
            producer = client.producer(acks=acks, compression_type=compression, linger_ms=5)
            reports = Reports()
            base = len(sent)
            for i in range(200):
                sent.append(text(len(sent), 1000))
                producer.produce(topic, sent[-1], f"key {i}", partition=0, on_delivery=reports)
            check(producer.flush(WAIT) == 0 and not reports.errors, f"all delivered, got {reports.errors[:1]}")
            if acks != "0":
                check(reports.offsets == list(range(base, base + 200)), "consecutive offsets acknowledged")
        check_values(sent, client.read_from(topic, OFFSET_BEGINNING, len(sent)))

    return produce


def consume_start(client, topic):
    sent = client.produce_timed(topic, 100)
    check_values(sent, client.read_from(topic, OFFSET_BEGINNING, 100))


def consume_offset(client, topic):
    sent = client.produce_timed(topic, 100)
    check_values(sent[42:], client.read_from(topic, 42, 58))


def consume_time(client, topic):
    sent = client.produce_timed(topic, 100)
    consumer = client.consumer()
    try:
        [found] = consumer.offsets_for_times([TopicPartition(topic, 0, TIME_BASE + 42_000 - 500)], timeout=WAIT)
        check(found.offset == 42, f"offset 42, got {found}")
    finally:
        consumer.close()
    check_values(sent[42:], client.read_from(topic, found.offset, 58))


def group_of_three(client, topic):
    client.create(topic, 6)
    group = topic + "-group"
    third = subprocess.Popen([sys.executable, __file__, "member", client.bootstrap, topic, group])
    members = [client.consumer(group), client.consumer(group)]
    got = []

    def owned():
        for member in members:
            message = member.poll(0.05)
            if message is not None and message.error() is None:
                got.append(message.value())
        return [len(member.assignment()) for member in members]

    try:
        for member in members:
            member.subscribe([topic])
        wait_until("two partitions each of three members", 40, lambda: owned() == [2, 2])
        third.kill()
        third.wait()
        wait_until("three partitions each of the two left", 40, lambda: owned() == [3, 3])
        producer = client.producer()
        for i in range(60):
            producer.produce(topic, f"message {i}", partition=i % 6)
        producer.flush(WAIT)
        wait_until("sixty messages", 20, lambda: owned() is not None and len(got) >= 60)
        check(sorted(got) == sorted(f"message {i}".encode() for i in range(60)), "each message once")
    finally:
        third.kill()
        for member in members:
            member.close()


def group_kill(client, topic):
    client.create(topic, 2)
    group = topic + "-group"
    members = [client.consumer(group), client.consumer(group)]
    got = set()
    committed = {}

    def turn():
        for each in members:
            message = each.poll(0.01)
            if message is None or message.error():
                continue
            got.add(message.value())
            try:
                each.commit(message, asynchronous=False)
                committed[message.partition()] = message.offset() + 1
            except KafkaException:
                pass  # The next commit covers it.
        return sum(committed.values())

    def one_each():
        turn()
        return [len(each.assignment()) for each in members] == [1, 1]

    def kept():
        offsets = {}

        def told():
            answer = client.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group]
            try:
                offsets.update({at.partition: at.offset for at in answer.result(WAIT).topic_partitions})
            except KafkaException as error:
                check(error.args[0].code() == KafkaError.COORDINATOR_LOAD_IN_PROGRESS, f"offsets, got {error}")
            return offsets != {}

        wait_until("the offsets of the group", 30, told)
        return offsets

    try:
        for each in members:
            each.subscribe([topic])
        wait_until("a partition each of two members", 40, one_each)
        producer = client.producer(enable_idempotence=True)
        for i in range(200):
            if i == 100:
                check(producer.flush(WAIT) == 0, "a hundred messages sent")
                wait_until("a hundred messages committed", 20, lambda: turn() == 100)
                say("@broker kill")
            if i == 150:
                sys.stdin.readline()
                acknowledged = dict(committed)
                offsets = kept()
                check(all(offsets[at] >= offset for at, offset in acknowledged.items()), f"{acknowledged} kept, got {offsets}")
            producer.produce(topic, f"message {i}", partition=i % 2)
            producer.poll(0)
            turn()
        check(producer.flush(70) == 0, "all messages sent")
        wait_until("two hundred messages committed", 40, lambda: turn() == 200)
        check(len(got) == 200, f"two hundred messages, got {len(got)}")
        wait_until("still a partition each", 20, one_each)
    finally:
        for each in members:
            each.close()


def member(bootstrap, topic, group):
    consumer = Client(bootstrap).consumer(group)
    consumer.subscribe([topic])
    while True:
        consumer.poll(0.2)


def commit_resume(client, topic):
    sent = client.produce_timed(topic, 100)
    group = topic + "-group"
    consumer = client.consumer(group)
    consumer.subscribe([topic])
    check_values(sent[:30], take(consumer, 30))
    consumer.commit(offsets=[TopicPartition(topic, 0, 30, "thirty")], asynchronous=False)
    consumer.close()
    consumer = client.consumer(group)
    consumer.subscribe([topic])
    check_values(sent[30:], take(consumer, 70))
    [committed] = consumer.committed([TopicPartition(topic, 0)], timeout=WAIT)
    check(committed.offset == 30 and committed.metadata == "thirty", f"committed 30, got {committed}")
    consumer.close()


def headers(client, topic):
    client.create(topic)
    sent = [("a", b"1"), ("a", b"2"), ("empty", b""), ("null", None)]
    producer = client.producer()
    producer.produce(topic, b"v", b"k", headers=sent)
    producer.flush(WAIT)
    [message] = client.read_from(topic, OFFSET_BEGINNING, 1)
    check(message.headers() == sent, f"{sent}, got {message.headers()}")


def nulls_and_tombstones(client, topic):
    client.create(topic)
    sent = [(None, b"x"), (b"k", None), (b"", b""), (None, None)]
    producer = client.producer()
    for key, value in sent:
        producer.produce(topic, value=value, key=key, partition=0)
    producer.flush(WAIT)
    got = [(message.key(), message.value()) for message in client.read_from(topic, OFFSET_BEGINNING, 4)]
    check(got == sent, f"{sent}, got {got}")


def message_1mb(client, topic):
    client.create(topic)
    value = text(1, 1_000_000)
    producer = client.producer(message_max_bytes=4_000_000)
    producer.produce(topic, value)
    check(producer.flush(WAIT) == 0, "the message sent")
    check_values([value], client.read_from(topic, OFFSET_BEGINNING, 1))


def message_too_large(client, topic):
    client.create(topic)
    producer = client.producer(message_max_bytes=4_000_000)
    reports = Reports()
    producer.produce(topic, text(1, 1_100_000), on_delivery=reports)
    producer.flush(WAIT)
    check([error.code() for error in reports.errors] == [KafkaError.MSG_SIZE_TOO_LARGE], f"code 10, got {reports.errors}")
    producer.produce(topic, b"after", on_delivery=reports)
    producer.flush(WAIT)
    check(reports.offsets == [0], f"the next message has offset 0, got {reports.offsets}")


def idempotent_across(how):
    def produce(client, topic):
        client.create(topic)
        producer = client.producer(enable_idempotence=True)
        reports = Reports()
        for i in range(3000):
            if i == 1000:
                wait_until("five hundred acknowledged", 20, lambda: producer.poll(0.05) is not None and len(reports.offsets) > 500)
                say(f"@broker {how}")
            if i == 2000:
                sys.stdin.readline()
            producer.produce(topic, f"message {i}", partition=0, on_delivery=reports)
            producer.poll(0)
        check(producer.flush(70) == 0 and not reports.errors, f"all delivered, got {reports.errors[:1]}")
        check(reports.offsets == list(range(3000)), "offsets 0 to 2999 acknowledged in order")
        check_values([f"message {i}".encode() for i in range(3000)], client.read_from(topic, OFFSET_BEGINNING, 3000))
        check(client.watermarks(topic) == (0, 3000), f"end offset 3000, got {client.watermarks(topic)}")

    return produce


def delete_records(client, topic):
    sent = client.produce_timed(topic, 50)
    until = TopicPartition(topic, 0, 20)
    deleted = client.admin.delete_records([until])[until].result(WAIT)
    check(deleted.low_watermark == 20, f"low watermark 20, got {deleted.low_watermark}")
    check(client.watermarks(topic) == (20, 50), f"20 to 50, got {client.watermarks(topic)}")
    beyond = TopicPartition(topic, 0, 1000)
    refused(KafkaError.OFFSET_OUT_OF_RANGE, client.admin.delete_records([beyond])[beyond])
    check_values(sent[20:], client.read_from(topic, OFFSET_BEGINNING, 30))


def admin_configs(client, topic):
    client.create(topic, config={"max.message.bytes": "2000000"})

    def described(kind=ResourceType.TOPIC, name=topic):
        resource = ConfigResource(kind, name)
        return client.admin.describe_configs([resource])[resource].result(WAIT)

    def alter(entry):
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        return client.admin.incremental_alter_configs([resource])[resource]

    check(described()["max.message.bytes"].value == "2000000", "the setting given at creation")
    alter(ConfigEntry("retention.ms", "12345", incremental_operation=AlterConfigOpType.SET)).result(WAIT)
    check(described()["retention.ms"].value == "12345", "retention.ms 12345")
    alter(ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE)).result(WAIT)
    entry = described()["retention.ms"]
    check(entry.value == "604800000" and entry.is_default, f"retention.ms of a week again, got {entry.value}")
    bad = ConfigEntry("retention.ms", "soon", incremental_operation=AlterConfigOpType.SET)
    refused(KafkaError.INVALID_CONFIG, alter(bad))
    broker = str(next(iter(client.admin.list_topics(timeout=WAIT).brokers)))
    check("num.network.threads" in described(ResourceType.BROKER, broker), "the broker's settings")


def admin_partitions(client, topic):
    client.create(topic, 2)
    client.admin.create_partitions([NewPartitions(topic, 4)])[topic].result(WAIT)
    wait_until("four partitions", 10, lambda: len(client.admin.list_topics(topic, timeout=10).topics[topic].partitions) == 4)
    refused(KafkaError.INVALID_PARTITIONS, client.admin.create_partitions([NewPartitions(topic, 1)])[topic])


def admin_groups(client, topic):
    client.produce_timed(topic, 10)
    group = topic + "-group"
    consumer = client.consumer(group)
    consumer.subscribe([topic])
    take(consumer, 10)
    consumer.commit(asynchronous=False)
    live = client.admin.describe_consumer_groups([group])[group].result(WAIT)
    check(live.state.name == "STABLE" and len(live.members) == 1, f"a stable group of one, got {live.state}")
    consumer.close()
    listed = client.admin.list_consumer_groups().result(WAIT).valid
    check(group in [listing.group_id for listing in listed], "the group is listed")
    empty = client.admin.describe_consumer_groups([group])[group].result(WAIT)
    check(empty.state.name == "EMPTY", f"an empty group, got {empty.state}")
    asked = [ConsumerGroupTopicPartitions(group)]
    offsets = client.admin.list_consumer_group_offsets(asked)[group].result(WAIT)
    check([offset.offset for offset in offsets.topic_partitions] == [10], "committed 10")
    change = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 3)])]
    client.admin.alter_consumer_group_offsets(change)[group].result(WAIT)
    offsets = client.admin.list_consumer_group_offsets(asked)[group].result(WAIT)
    check([offset.offset for offset in offsets.topic_partitions] == [3], "offset reset to 3")
    client.admin.delete_consumer_groups([group])[group].result(WAIT)
    refused(KafkaError.GROUP_ID_NOT_FOUND, client.admin.delete_consumer_groups([group])[group])


def admin_cluster(client, topic):
    cluster = client.admin.describe_cluster().result(WAIT)
    check(len(cluster.nodes) == 1 and cluster.controller is not None and cluster.cluster_id, "one broker, a controller, an id")


def admin_offsets(client, topic):
    client.produce_timed(topic, 20)

    def offset(spec):
        partition = TopicPartition(topic, 0)
        answer = client.admin.list_offsets({partition: spec}, isolation_level=IsolationLevel.READ_UNCOMMITTED)
        return answer[partition].result(WAIT).offset

    check(offset(OffsetSpec.earliest()) == 0, "earliest")
    check(offset(OffsetSpec.latest()) == 20, "latest")
    check(offset(OffsetSpec.max_timestamp()) == 19, "of the greatest timestamp")
    check(offset(OffsetSpec.for_timestamp(TIME_BASE + 7000)) == 7, "of a timestamp")


def delete_topic(client, topic):
    client.produce_timed(topic, 10)
    client.admin.delete_topics([topic])[topic].result(WAIT)
    wait_until("the topic is gone", 20, lambda: topic not in client.admin.list_topics(timeout=10).topics)
    refused(KafkaError.UNKNOWN_TOPIC_OR_PART, client.admin.delete_topics([topic])[topic])

    def created():
        try:
            client.create(topic)
            return True
        except KafkaException:
            return False

    wait_until("the topic can be created again", 20, created)
    producer = client.producer()
    reports = Reports()
    producer.produce(topic, b"x", on_delivery=reports)
    producer.flush(WAIT)
    check(reports.offsets == [0], f"offsets start at 0 again, got {reports.offsets} {reports.errors}")


SCENARIOS = {
    "create-topic": create_topic,
    **{f"produce-{name}": produce_with(name) for name in ("none", "gzip", "snappy", "lz4", "zstd")},
    "consume-start": consume_start,
    "consume-offset": consume_offset,
    "consume-time": consume_time,
    "group-of-three": group_of_three,
    "group-kill": group_kill,
    "commit-resume": commit_resume,
    "headers": headers,
    "nulls-and-tombstones": nulls_and_tombstones,
    "message-1mb": message_1mb,
    "message-too-large": message_too_large,
    "idempotent-kill": idempotent_across("kill"),
    "idempotent-restart": idempotent_across("restart"),
    "delete-records": delete_records,
    "admin-configs": admin_configs,
    "admin-partitions": admin_partitions,
    "admin-groups": admin_groups,
    "admin-cluster": admin_cluster,
    "admin-offsets": admin_offsets,
    "delete-topic": delete_topic,
}


def say(line):
    print(line, flush=True)


def main():
    if sys.argv[1] == "member":
        member(*sys.argv[2:5])
    client = Client(sys.argv[1])
    for scenario in sys.argv[3].split(","):
        say(f"@begin {scenario}")
        run = SCENARIOS.get(scenario)
        if run is None:
            say(f"@result {scenario} na a scenario of the command-line tools")
            continue
        try:
            run(client, f"{sys.argv[2]}-{scenario}")
            say(f"@result {scenario} ok")
        except Exception as error:
            traceback.print_exc()
            say(f"@result {scenario} fail {type(error).__name__}: {error}".replace("\n", " "))


main()
