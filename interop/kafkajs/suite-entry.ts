// What KafkaJS's own tests reach of ours, as one CommonJS module: they run in jest.
export * from '@odradek/kafkajs/index.ts';
export { KafkaJSAdmin } from '@odradek/kafkajs/admin/kafkajs-admin.ts';
export { KafkaJSConsumer } from '@odradek/kafkajs/consumer/kafkajs-consumer.ts';
export { legacyMurmur2 } from '@odradek/kafkajs/legacy-murmur2.ts';
export { consoleLogCreator, createLogger } from '@odradek/kafkajs/logging.ts';
export { KafkaJSProducer } from '@odradek/kafkajs/producer/kafkajs-producer.ts';
export { murmur2 } from '@odradek/client/producer/murmur2.ts';
