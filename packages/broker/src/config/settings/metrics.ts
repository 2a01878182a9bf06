import { atLeast } from '../setting-check.ts';
import { boolean, int, list, long, notSupported, string, withoutEffect } from '../setting.ts';
import { NO_METRICS } from './reasons.ts';

/** Measurements. */
export const metricsSettings = {
  'metric.reporters': list({
    default: [],
    importance: 'low',
    update: 'cluster-wide',
    status: notSupported('Java classes are not loaded', 'warn'),
    about: 'Classes that report metrics.',
  }),
  'metrics.num.samples': int({
    default: 2,
    check: atLeast(1),
    importance: 'low',
    status: withoutEffect(NO_METRICS),
    about: 'Samples that a rate is computed from.',
  }),
  'metrics.sample.window.ms': long({
    default: 30000,
    check: atLeast(1),
    unit: 'ms',
    importance: 'low',
    status: withoutEffect(NO_METRICS),
    about: 'Length of a sample.',
  }),
  'metrics.recording.level': string({
    default: 'INFO',
    importance: 'low',
    status: withoutEffect(NO_METRICS),
    about: 'Least level of the metrics that are recorded.',
  }),
  'auto.include.jmx.reporter': boolean({
    default: true,
    importance: 'low',
    status: withoutEffect('there is no JMX without Java'),
    about: 'Whether metrics are shown by JMX.',
  }),
  'kafka.metrics.reporters': list({
    default: [],
    importance: 'low',
    status: notSupported('Java classes are not loaded', 'warn'),
    about: 'Classes that report metrics of the older kind.',
  }),
  'kafka.metrics.polling.interval.secs': int({
    default: 10,
    check: atLeast(1),
    unit: 'seconds',
    importance: 'low',
    status: withoutEffect(NO_METRICS),
    about: 'How often these poll.',
  }),
  'telemetry.max.bytes': int({
    default: 1_048_576,
    check: atLeast(1),
    unit: 'bytes',
    importance: 'low',
    status: withoutEffect('metrics of clients are not collected'),
    about: 'Largest push of metrics of a client.',
  }),
};
