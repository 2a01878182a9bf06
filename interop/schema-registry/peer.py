"""Confluent's own serializers, to write what ours read and to read what ours wrote.

Arguments: bootstrap address, URL of the registry, "write" or "read", and a list of steps as JSON. For each that reads, a
line of JSON with the values goes to the standard output.
"""

import base64
import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

WAIT = 30
OPTIONS = {"auto.register.schemas": True}


def schema_of(step, kind):
    references = [SchemaReference(each["name"], each["subject"], each["version"]) for each in step["references"]]
    return Schema(step["schema"], kind, references)


def message_class(step):
    pool = descriptor_pool.Default()
    for encoded in step["descriptors"]:
        file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(encoded))
        pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(step["message"]))


def serializer(registry, step):
    if step["format"] == "AVRO":
        return AvroSerializer(registry, schema_of(step, "AVRO"), conf=OPTIONS), lambda value: value
    if step["format"] == "JSON":
        return JSONSerializer(schema_of(step, "JSON"), registry, conf=OPTIONS), lambda value: value
    kind = message_class(step)
    conf = {**OPTIONS, "use.deprecated.format": False}
    return ProtobufSerializer(kind, registry, conf=conf), lambda value: json_format.ParseDict(value, kind())


def deserializer(registry, step):
    if step["format"] == "AVRO":
        own = schema_of(step, "AVRO") if step["schema"] else None
        return AvroDeserializer(registry, own), lambda value: value
    if step["format"] == "JSON":
        return JSONDeserializer(schema_of(step, "JSON"), schema_registry_client=registry), lambda value: value
    kind = message_class(step)
    # Without the registry, which would have to compile what ours registered as text.
    return ProtobufDeserializer(kind, {"use.deprecated.format": False}), json_format.MessageToDict


def write(bootstrap, registry, steps):
    producer = Producer({"bootstrap.servers": bootstrap})
    for step in steps:
        serialize, prepared = serializer(registry, step)
        field = MessageField.KEY if step["part"] == "key" else MessageField.VALUE
        for value in step["values"]:
            content = serialize(prepared(value), SerializationContext(step["topic"], field))
            key, value = (content, b"") if step["part"] == "key" else (b"key", content)
            producer.produce(step["topic"], key=key, value=value)
    left = producer.flush(WAIT)
    if left > 0:
        raise RuntimeError(f"{left} records were not written")


def read(bootstrap, registry, steps):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "peer", "auto.offset.reset": "earliest"})
    for step in steps:
        deserialize, prepared = deserializer(registry, step)
        field = MessageField.KEY if step["part"] == "key" else MessageField.VALUE
        consumer.assign([TopicPartition(step["topic"], 0, 0)])
        values = []
        deadline = time.monotonic() + WAIT
        while len(values) < step["count"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(values)} of {step['count']} records of {step['topic']}")
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                raise RuntimeError(message.error())
            content = message.key() if step["part"] == "key" else message.value()
            values.append(prepared(deserialize(content, SerializationContext(step["topic"], field))))
        print(json.dumps({"topic": step["topic"], "values": values}))
    consumer.close()


def main():
    bootstrap, url, what, steps = sys.argv[1:5]
    registry = SchemaRegistryClient({"url": url})
    (write if what == "write" else read)(bootstrap, registry, json.loads(steps))


main()
