import { createHash } from 'node:crypto';

/** A schema as clients send it. */
export interface GivenSchema {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly {
    readonly name: string;
    readonly subject: string;
    readonly version: number;
  }[];
}

/** A schema as a version of a subject. */
export interface StoredVersion extends GivenSchema {
  readonly subject: string;
  readonly id: number;
  readonly version: number;
}

/** A refusal, with the number that registries give it; the first three digits are its HTTP status. */
export class RegistryRefusal extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/** What a schema registry holds: schemas by id, and by subject and version. In memory, and as long as it is used. */
export class StoredSchemas {
  private readonly schemas = new Map<string, { id: number; guid: string; given: GivenSchema }>();
  private readonly versions = new Map<string, StoredVersion[]>();
  private readonly isCompatible: (newest: GivenSchema, given: GivenSchema) => boolean;

  constructor(isCompatible: (newest: GivenSchema, given: GivenSchema) => boolean) {
    this.isCompatible = isCompatible;
  }

  get subjects(): readonly string[] {
    return [...this.versions.keys()];
  }

  byId(id: number): GivenSchema {
    return this.found(40403, `Schema ${id} not found`, this.all.find((each) => each.id === id)?.given);
  }

  byGuid(guid: string): GivenSchema {
    return this.found(40403, `Schema ${guid} not found`, this.all.find((each) => each.guid === guid)?.given);
  }

  guidOf(id: number): string {
    return this.found(40403, `Schema ${id} not found`, this.all.find((each) => each.id === id)?.guid);
  }

  /** @throws RegistryRefusal 409, 42201 */
  register(subject: string, given: GivenSchema): number {
    if (typeof given.schema !== 'string' || given.schema === '')
      throw new RegistryRefusal(42201, 'Invalid schema: it is empty');
    const known = this.versions.get(subject)?.find((each) => contentOf(each) === contentOf(given));
    if (known !== undefined) return known.id;
    if (!this.wouldTake(subject, given))
      throw new RegistryRefusal(409, `Schema being registered is incompatible with subject "${subject}"`);
    const id = this.idOf(given);
    const versions = this.versions.get(subject) ?? [];
    this.versions.set(subject, [...versions, { ...given, subject, id, version: versions.length + 1 }]);
    return id;
  }

  wouldTake(subject: string, given: GivenSchema): boolean {
    const newest = this.versions.get(subject)?.at(-1);
    return newest === undefined || this.isCompatible(newest, given);
  }

  /** @throws RegistryRefusal 40401, 40403 */
  lookUp(subject: string, given: GivenSchema): StoredVersion {
    const version = this.versionsOf(subject).find((each) => contentOf(each) === contentOf(given));
    return this.found(40403, 'Schema not found', version);
  }

  /** @param version a number, or `latest`. @throws RegistryRefusal 40401, 40402, 42202 */
  version(subject: string, version: string): StoredVersion {
    const versions = this.versionsOf(subject);
    if (version !== 'latest' && !/^\d+$/.test(version))
      throw new RegistryRefusal(42202, `The specified version '${version}' is not a valid version id`);
    const wanted = version === 'latest' ? versions.length : Number(version);
    return this.found(40402, `Version ${version} not found`, versions[wanted - 1]);
  }

  /** @throws RegistryRefusal 40401 */
  versionsOf(subject: string): readonly StoredVersion[] {
    return this.found(40401, `Subject '${subject}' not found`, this.versions.get(subject));
  }

  private get all(): { id: number; guid: string; given: GivenSchema }[] {
    return [...this.schemas.values()];
  }

  private idOf({ schema, schemaType, references }: GivenSchema): number {
    const given = { schema, ...(schemaType && { schemaType }), ...(references && { references }) };
    const content = contentOf(given);
    const known = this.schemas.get(content);
    if (known !== undefined) return known.id;
    const id = this.schemas.size + 1;
    this.schemas.set(content, { id, guid: guidOf(content), given });
    return id;
  }

  private found<T>(errorCode: number, message: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw new RegistryRefusal(errorCode, message);
  }
}

/** The same for schemas that differ only in white space, where they are JSON. */
function contentOf({ schema, schemaType = 'AVRO', references = [] }: GivenSchema): string {
  const text = schemaType === 'PROTOBUF' ? schema : JSON.stringify(JSON.parse(schema));
  return JSON.stringify([schemaType, text, references]);
}

function guidOf(content: string): string {
  const digest = createHash('sha256').update(content).digest('hex');
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}
