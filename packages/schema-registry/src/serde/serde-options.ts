import { ClientError } from '@odradek/client';
import { refuseUnknown, wholeNumber, type OptionNames } from '@odradek/client/options.ts';
import type { SchemaReference } from '../registry/schema.ts';
import { subjectNaming, type SubjectContext, type SubjectName } from './subject-names.ts';

/** What all formats have in common. */
export interface RegistrySerdeOptions {
  /** What the schema refers to; has to be registered. */
  readonly references?: readonly SchemaReference[];
  /** Under which subject the schema of a topic's keys or values is registered. Default `TopicName`. */
  readonly subjectName?: SubjectName;
  /**
   * Register the schema where it is not. Default false, unlike with other clients: a program that is tried out would
   * change what all others of the topic have to go by.
   */
  readonly autoRegister?: boolean;
  /** Write by the newest schema of the subject, as of the last `prepareToWrite`, in place of one's own. Default false. */
  readonly useLatestVersion?: boolean;
  /** Let the registry take schemas for the same that differ only in form. Default false. */
  readonly normalize?: boolean;
  /** Largest key or value that is written or read, with the id of its schema, bytes. Default 16 MiB. */
  readonly sizeMaxBytes?: number;
}

export const REGISTRY_SERDE_OPTION_NAMES: OptionNames<RegistrySerdeOptions> = {
  references: true,
  subjectName: true,
  autoRegister: true,
  useLatestVersion: true,
  normalize: true,
  sizeMaxBytes: true,
};

export interface RegistrySerdeSettings {
  readonly references: readonly SchemaReference[];
  readonly subjectOf: (context: SubjectContext) => string;
  readonly autoRegister: boolean;
  readonly useLatestVersion: boolean;
  readonly normalize: boolean;
  readonly sizeMaxBytes: number;
}

/**
 * @param format for the message
 * @param known all options of the format
 * @throws ClientError BAD_OPTION
 */
export function registrySerdeSettings(
  format: string,
  options: RegistrySerdeOptions,
  known: Readonly<Record<string, true>>,
): RegistrySerdeSettings {
  refuseUnknown(format, options, known);
  const { autoRegister = false, useLatestVersion = false } = options;
  if (autoRegister && useLatestVersion)
    throw new ClientError('BAD_OPTION', 'autoRegister and useLatestVersion exclude each other: choose one');
  return {
    references: options.references ?? [],
    subjectOf: subjectNaming(options.subjectName ?? 'TopicName'),
    autoRegister,
    useLatestVersion,
    normalize: options.normalize ?? false,
    sizeMaxBytes: wholeNumber('sizeMaxBytes', options.sizeMaxBytes ?? 16 * 1024 * 1024, 1),
  };
}
