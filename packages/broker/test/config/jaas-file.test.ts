import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseJaas } from '../../src/config/jaas-file.ts';

describe('a login file', () => {
  test('has sections with modules and options, in any layout', () => {
    const sections = parseJaas(`
      // of a broker
      KafkaServer { a.B required; c.D optional x="1" y=2; };
      Client {
         /* towards
            ZooKeeper */
         org.apache.zookeeper.server.auth.DigestLoginModule required
         username="kafka" # whoever
         password="a \\"quoted\\" ; {secret}";
      };
    `);
    assert.deepEqual([...sections.keys()], ['KafkaServer', 'Client']);
    assert.equal(sections.get('KafkaServer')!.length, 2);
    const [client] = sections.get('Client')!;
    assert.equal(client!.options.get('username'), 'kafka');
    assert.equal(client!.options.get('password'), 'a "quoted" ; {secret}');
  });

  test('may be empty', () => assert.equal(parseJaas('// nothing').size, 0));

  for (const [text, says] of [
    ['Client', /at the end: expected is "\{"/],
    ['Client {', /at the end: expected is the class/],
    ['Client { a.B\n sometimes; };', /sometimes is no flag/],
    ['Client { a.B required user; };', /line 1: expected is "="/],
    ['Client {\n a.B required password=; };', /line 2: expected is the value of password/],
    ['Client { a.B required; }', /at the end: expected is ";"/],
    ['Client { a.B required password="secret; };', /quotation mark is not closed/],
  ] as const) {
    test(`${JSON.stringify(text)} is refused, and no secret is shown`, () => {
      assert.throws(
        () => parseJaas(text),
        (error: Error) => says.test(error.message) && !error.message.includes('secret'),
      );
    });
  }
});
