// A CommonJS program: `require` of a package of modules, which Node.js takes where nothing in it awaits at its top.
const { GroupConsumer, Producer } = require('@odradek/client');

async function run(bootstrapServers) {
  const topic = 'from-commonjs';
  const producer = new Producer({ bootstrapServers, compression: 'lz4' });
  await producer.send({ topic, value: Buffer.from('written by CommonJS') });
  await producer.close();
  const consumer = new GroupConsumer({
    bootstrapServers,
    groupId: topic,
    topics: [topic],
    offsetReset: 'earliest',
  });
  for await (const record of consumer.records()) {
    console.log(String(record.value));
    break;
  }
  await consumer.close();
}

run(process.argv[2]);
