import type { BrokerConfig } from './broker-config.ts';
import type { Properties } from './server-properties.ts';
import type { BrokerLayers } from './broker-layers.ts';
import { effectiveProperties } from './broker-layers.ts';
import { brokerSettingOf, brokerSettings, brokerSynonyms, staticBrokerSetting } from './broker-settings.ts';
import { ConfigSource } from './config-resource.ts';
import { isWritable } from './dynamic-broker-rules.ts';
import type { Setting, SettingType } from './setting.ts';
import { canonicalText, valueText } from './setting-value.ts';
import { topicSettings } from './settings/topic.ts';
import type { TopicSettingName } from './topic-config.ts';
import { brokerCounterpart, inheritedTopicSettingText, topicSetting } from './topic-config.ts';

/** A setting as DescribeConfigs tells it. */
export interface DescribedSetting {
  readonly name: string;
  /** Null for secrets and where there is none. */
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  /** One of ConfigSource. */
  readonly source: number;
  /** From the strongest to the weakest; the first is what counts. */
  readonly synonyms: readonly SettingSynonym[];
  /** Number of the type in the protocol. */
  readonly type: number;
  readonly documentation: string;
}

export interface SettingSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

const TYPE_NUMBERS: Record<SettingType, number> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
};

const UNKNOWN_TYPE = 0;

/** Every setting of a topic. */
export function describeTopic(
  own: Properties,
  config: BrokerConfig,
  layers: BrokerLayers,
): DescribedSetting[] {
  return Object.keys(topicSettings).map((name) =>
    describeTopicSetting(name as TopicSettingName, own, config, layers),
  );
}

function describeTopicSetting(
  name: TopicSettingName,
  own: Properties,
  config: BrokerConfig,
  layers: BrokerLayers,
): DescribedSetting {
  const setting = topicSetting(name) as Setting;
  const text = own[name];
  const value = text === undefined ? inheritedTopicSettingText(name, config) : canonicalText(setting, text);
  const counterpart = brokerCounterpart(name);
  const inherited = counterpart === null ? [] : synonymsOf(counterpart, false, layers);
  const synonyms =
    text === undefined ? inherited : [{ name, value, source: ConfigSource.TOPIC }, ...inherited];
  return {
    name,
    value,
    readOnly: false,
    isSensitive: false,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    synonyms,
    type: TYPE_NUMBERS[setting.type],
    documentation: setting.about,
  };
}

/** Every setting of this broker, and whatever else its file or its dynamic settings hold. */
export function describeBroker(layers: BrokerLayers): DescribedSetting[] {
  const effective = effectiveProperties(layers);
  const known = Object.entries<Setting>(brokerSettings)
    .filter(([name, setting]) => !setting.internal || effective[name] !== undefined)
    .map(([name]) => name);
  const others = Object.keys(effective).filter((name) => staticBrokerSetting(name) === null);
  return [...known, ...others].map((name) =>
    describeBrokerSetting(name, settingText(name, effective[name]), layers),
  );
}

/** The settings that all brokers of the cluster have dynamically. */
export function describeClusterDefault(layers: BrokerLayers): DescribedSetting[] {
  return Object.entries(layers.dynamicDefault).map(([name, text]) => {
    const described = describeBrokerSetting(name, text, layers);
    const synonyms = described.synonyms.filter(
      (synonym) => synonym.source === ConfigSource.DYNAMIC_DEFAULT_BROKER,
    );
    return { ...described, synonyms, source: synonyms[0]?.source ?? ConfigSource.DEFAULT };
  });
}

function settingText(name: string, text: string | undefined): string | null {
  const setting = brokerSettingOf(name);
  if (text !== undefined) return setting === null ? text : canonicalText(setting, text);
  return setting === null ? null : valueText(setting, setting.default);
}

function describeBrokerSetting(name: string, text: string | null, layers: BrokerLayers): DescribedSetting {
  const setting = brokerSettingOf(name);
  // What cannot be told apart from a secret is treated as one.
  const isSensitive = setting === null || setting.type === 'password';
  const synonyms = synonymsOf(name, isSensitive, layers);
  return {
    name,
    value: isSensitive ? null : text,
    readOnly: !isWritable(name),
    isSensitive,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    synonyms,
    type: setting === null ? UNKNOWN_TYPE : TYPE_NUMBERS[setting.type],
    documentation: setting?.about ?? '',
  };
}

/** As Kafka tells them: nothing at all while the setting's own name has no value. */
function synonymsOf(name: string, isSensitive: boolean, layers: BrokerLayers): SettingSynonym[] {
  const names = brokerSynonyms(name, true);
  const from = (layer: Properties, source: number): SettingSynonym[] =>
    names
      .filter((synonym) => layer[synonym] !== undefined)
      .map((synonym) => ({ name: synonym, value: isSensitive ? null : (layer[synonym] as string), source }));
  const all = [
    ...from(layers.dynamic, ConfigSource.DYNAMIC_BROKER),
    ...from(layers.dynamicDefault, ConfigSource.DYNAMIC_DEFAULT_BROKER),
    ...from(layers.fixed, ConfigSource.STATIC_BROKER),
    ...from(DEFAULTS, ConfigSource.DEFAULT),
  ];
  const own = all.findIndex((synonym) => synonym.name === name);
  return own < 0 ? [] : all.slice(own);
}

const DEFAULTS: Properties = Object.fromEntries(
  Object.entries<Setting>(brokerSettings)
    .map(([name, setting]) => [name, valueText(setting, setting.default)] as const)
    .filter((entry): entry is readonly [string, string] => entry[1] !== null),
);
