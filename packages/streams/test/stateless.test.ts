import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamsBuilder, TopologyDriver, integers, json, nullable, strings } from '@odradek/streams';

const texts = { key: strings, value: strings };
const counted = { key: strings, value: integers };

test('words are counted: split, grouped by another key, counted, written', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('lines', texts)
    .flatMapValues((line) => line.split(' '), strings)
    .filter((word) => word !== '')
    .groupBy((word) => word, { name: 'by-word', key: strings })
    .count({ store: 'words' })
    .toStream()
    .to('counts');
  const driver = new TopologyDriver(builder.build());
  driver.pipe('lines', texts, 'a', 'to be or not to be', 5);
  const counts = driver.read('counts', counted).map(({ key, value }) => `${key} ${value}`);
  assert.deepEqual(counts, ['to 1', 'be 1', 'or 1', 'not 1', 'to 2', 'be 2']);
  assert.equal(driver.store({ name: 'words', ...counted }).get('be'), 2);
  driver.close();
});

test('types follow the chain: a filter narrows, map changes both, merge and peek keep', () => {
  const builder = new StreamsBuilder();
  const seen: string[] = [];
  const numbers = builder
    .stream('mixed', { key: nullable(strings), value: json<number | string>() })
    .filter((value) => typeof value === 'number')
    .map((value, key) => [key ?? 'none', value + 1], counted);
  const others = builder.stream('plain', counted);
  numbers
    .merge(others)
    .peek((value, key) => seen.push(`${key} ${value.toFixed(0)}`))
    .to('all');
  const driver = new TopologyDriver(builder.build());
  const mixed = { key: nullable(strings), value: json<number | string>() };
  driver.pipe('mixed', mixed, null, 1, 0);
  driver.pipe('mixed', mixed, 'a', 'no number', 1);
  driver.pipe('plain', counted, 'b', 7, 2);
  assert.deepEqual(seen, ['none 2', 'b 7']);
  assert.deepEqual(
    driver.read('all', counted).map(({ key, value, timestamp }) => [key, value, timestamp]),
    [
      ['none', 2, 0],
      ['b', 7, 2],
    ],
  );
  driver.close();
});

test('what goes through a topic is there, and comes on', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', texts)
    .through('between')
    .mapValues((value) => value.length, integers)
    .to('out');
  const driver = new TopologyDriver(builder.build());
  driver.pipe('in', texts, 'k', 'four', 0);
  assert.equal(driver.read('between', texts)[0]?.value, 'four');
  assert.equal(driver.read('out', counted)[0]?.value, 4);
  driver.close();
});

test('what cannot be is refused while the topology is built, and says what to do', () => {
  const build = (): StreamsBuilder => new StreamsBuilder();
  const code = (expected: string) => ({ code: expected });
  assert.throws(
    () =>
      build()
        .stream('a', texts)
        .selectKey((value) => value)
        .groupByKey(),
    code('REPARTITION_NEEDED'),
  );
  assert.throws(
    () =>
      build()
        .stream('a', texts)
        .map((value) => [1, value])
        .to('b'),
    code('SERDE_MISSING'),
  );
  assert.throws(() => build().stream('a b', texts), code('BAD_OPTION'));
  assert.throws(() => build().build(), code('BAD_TOPOLOGY'));
  const twice = build();
  twice.stream('a', texts);
  twice.stream('a', texts);
  assert.throws(() => twice.build(), /topic "a" is read twice/);
  const stores = build();
  const grouped = stores.stream('a', texts).groupByKey();
  grouped.count({ store: 's' });
  grouped.count({ store: 's' });
  assert.throws(() => stores.build(), /store "s" is there twice/);
  const [one, other] = [build().stream('a', texts), build().stream('b', texts)];
  assert.throws(() => one.merge(other), /different builders/);
});

test('a topology tells its parts, the same for each run', () => {
  const describe = (): string => {
    const builder = new StreamsBuilder();
    const users = builder.table('users', { ...texts, store: 'users' });
    builder
      .stream('clicks', texts)
      .selectKey((value) => value, strings)
      .repartition({ name: 'by-user' })
      .join(users, (click, user) => `${click} ${user}`)
      .to('named', texts);
    return builder.build().describe();
  };
  assert.equal(
    describe(),
    `subtopology 0
  source-0 (reads users) -> table-1
  table-1 (store users) -> join-6
  source-5 (reads by-user (internal)) -> join-6
  join-6 -> sink-7
  sink-7 (writes named)

subtopology 1
  source-2 (reads clicks) -> select-key-3
  select-key-3 -> sink-4
  sink-4 (writes by-user (internal))
`,
  );
  assert.equal(describe(), describe());
});

test('a key of null cannot be grouped by, and the error says so', () => {
  const builder = new StreamsBuilder();
  builder
    .stream('a', { key: nullable(strings), value: strings })
    .groupByKey()
    .count({ store: 's' });
  const driver = new TopologyDriver(builder.build());
  assert.throws(() => driver.pipe('a', { key: nullable(strings), value: strings }, null, 'x', 0), {
    code: 'NULL_NOT_ALLOWED',
  });
  driver.close();
});
