import type { BrokerSettingValues } from './broker-settings.ts';
import type { DerivedSettings } from './derived-settings.ts';

/**
 * Every broker setting with its value and type, `log.segment.bytes` as `logSegmentBytes`; those that Kafka reads in
 * several forms (listeners, directories, times in hours) as what they mean. Dynamic settings change the properties
 * of the one object that the broker's parts share: read them when they are needed.
 */
export interface BrokerConfig extends Omit<BrokerSettingValues, keyof DerivedSettings>, DerivedSettings {}
