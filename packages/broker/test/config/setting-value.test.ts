import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  atLeast,
  between,
  betweenOr,
  eachOneOf,
  notEmpty,
  oneOf,
  oneOfIgnoringCase,
} from '../../src/config/setting-check.ts';
import type { Setting } from '../../src/config/setting.ts';
import { boolean, double, int, list, long, password, short, string } from '../../src/config/setting.ts';
import {
  canonicalText,
  InvalidSetting,
  parseSettingValue,
  valueText,
} from '../../src/config/setting-value.ts';

const about = 'For this test.';
const settings: Record<string, Setting> = {
  int: int({ default: 1, about }),
  short: short({ default: 1, about }),
  long: long({ default: 1, about }),
  double: double({ default: 1, about }),
  boolean: boolean({ default: true, about }),
  string: string({ default: 'a', about }),
  list: list({ default: [], about }),
  secret: password({ default: null, about }),
};

const accepted: [type: string, text: string, value: unknown, canonical: string][] = [
  ['int', ' 42 ', 42, '42'],
  ['int', '+7', 7, '7'],
  ['int', '-007', -7, '-7'],
  ['int', '2147483647', 2_147_483_647, '2147483647'],
  ['short', '-32768', -32_768, '-32768'],
  ['long', '9223372036854775807', 2 ** 63, '9223372036854775807'],
  ['long', '9007199254740993', 9_007_199_254_740_992, '9007199254740993'],
  ['double', '0.50', 0.5, '0.5'],
  ['double', '1', 1, '1.0'],
  ['double', '1.7976931348623157E308', Number.MAX_VALUE, '1.7976931348623157E308'],
  ['double', '1e-5', 0.00001, '1.0E-5'],
  ['double', '12345678', 12_345_678, '1.2345678E7'],
  ['boolean', ' TRUE ', true, 'true'],
  ['boolean', 'False', false, 'false'],
  ['string', '  two words ', 'two words', 'two words'],
  ['list', 'a , b,c', ['a', 'b', 'c'], 'a,b,c'],
  ['list', '  ', [], ''],
  ['secret', ' hidden ', 'hidden', 'hidden'],
];

for (const [type, text, value, canonical] of accepted) {
  test(`'${text}' as ${type}`, () => {
    const setting = settings[type] as Setting;
    assert.deepEqual(parseSettingValue('x', setting, text), value);
    assert.equal(canonicalText(setting, text), canonical);
  });
}

const refused: [type: string, text: string][] = [
  ['int', '2147483648'],
  ['int', ''],
  ['int', '1.0'],
  ['int', '0x10'],
  ['int', '1_000'],
  ['short', '32768'],
  ['long', '9223372036854775808'],
  ['double', 'half'],
  ['double', ''],
  ['boolean', 'yes'],
  ['boolean', '1'],
];

for (const [type, text] of refused) {
  test(`'${text}' is no ${type}`, () => {
    assert.throws(
      () => parseSettingValue('some.name', settings[type] as Setting, text),
      (error) =>
        error instanceof InvalidSetting &&
        error.message.includes(`value ${text} for configuration some.name`),
    );
  });
}

test('a refused secret is not shown', () => {
  const setting: Setting = { ...(settings['secret'] as Setting), check: oneOf('a') };
  assert.throws(
    () => parseSettingValue('x', setting, 'hunter2'),
    (error) => error instanceof InvalidSetting && !error.message.includes('hunter2'),
  );
});

test('checks say what is allowed', () => {
  assert.equal(atLeast(1).problem(0), 'Value must be at least 1');
  assert.equal(atLeast(1).problem(1), null);
  assert.equal(between(1, 3).problem(4), 'Value must be no more than 3');
  assert.equal(between(1, 3).problem(0), 'Value must be at least 1');
  assert.equal(betweenOr(1, 9, -1).problem(-1), null);
  assert.notEqual(betweenOr(1, 9, -1).problem(0), null);
  assert.equal(oneOf('a', 'b').problem('c'), 'String must be one of: a, b');
  assert.equal(oneOfIgnoringCase('None').problem('NONE'), null);
  assert.notEqual(oneOfIgnoringCase('None').problem('some'), null);
  assert.equal(eachOneOf('a', 'b').problem(['a', 'b']), null);
  assert.notEqual(eachOneOf('a', 'b').problem(['a', 'c']), null);
  assert.notEqual(notEmpty().problem(''), null);
});

test('what is written out is read back the same', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const setting = settings['double'] as Setting;
      const text = valueText(setting, value) as string;
      assert.equal(parseSettingValue('x', setting, text), value === 0 ? value : Number(text));
      assert.equal(canonicalText(setting, text), text);
    }),
  );
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      assert.equal(canonicalText(settings['long'] as Setting, value.toString()), value.toString());
    }),
  );
});
