// A test as a user writes it: a broker in the process, its client, and a cluster in virtual time.
import { startBroker as startServing } from '@odradek/broker';
import { Producer } from '@odradek/client';
import { MemoryClaims } from '@odradek/patterns';
import { apiTable } from '@odradek/protocol';
import * as kafkajs from '@odradek/kafkajs';
import { SchemaRegistry } from '@odradek/schema-registry';
import { StreamsBuilder } from '@odradek/streams';
import { startBroker } from '@odradek/testing';
import { simulate } from '@odradek/testing/simulator';

const broker = await startBroker();
const producer = new Producer({ bootstrapServers: broker.bootstrapServers });
const { offset } = await producer.send({ topic: 'in-process', value: Buffer.from('for a test') });
await producer.close();
await broker.close();
const parts = [startServing, MemoryClaims, simulate, StreamsBuilder, kafkajs.Kafka, SchemaRegistry];
console.log(`offset ${offset}, ${parts.length} parts, ${apiTable.length > 50 ? 'all' : 'few'} APIs`);
