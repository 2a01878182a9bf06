// What a program is told that uses a format without the library that it needs.
import { SchemaRegistry, avro } from '@odradek/schema-registry';

const registry = new SchemaRegistry({ urls: 'http://127.0.0.1:1' });
try {
  await avro(registry, { schema: 'string' }).prepareToWrite({ topic: 'texts', part: 'value' });
} catch (error) {
  console.log(error.code === 'MISSING_PEER' && error.message.split(': ')[1]);
}
registry.close();
