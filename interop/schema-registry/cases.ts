// What is written with one side's serializers and read with the other's: by topic, schema and values.
import type { SchemaReference } from '@odradek/schema-registry';

/** One topic of one format. */
export interface FormatCase {
  readonly topic: string;
  readonly format: 'AVRO' | 'PROTOBUF' | 'JSON';
  readonly part: 'key' | 'value';
  readonly schema: string;
  /** Schemas that have to be registered before, as version 1. */
  readonly needs: readonly { readonly subject: string; readonly name: string; readonly schema: string }[];
  /** Protobuf: the message, with its package. */
  readonly message: string;
  /** As JSON has them. */
  readonly values: readonly object[];
}

const ORDER_AVRO = {
  type: 'record',
  name: 'shop.Order',
  fields: [
    { name: 'item', type: 'string' },
    { name: 'count', type: 'long' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'prices', type: { type: 'map', values: 'double' } },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'size', type: { type: 'enum', name: 'Size', symbols: ['SMALL', 'LARGE'] } },
  ],
};
const ADDRESS_AVRO = { type: 'record', name: 'shop.Address', fields: [{ name: 'city', type: 'string' }] };
const PARCEL_AVRO = {
  type: 'record',
  name: 'shop.Parcel',
  fields: [
    { name: 'to', type: 'shop.Address' },
    { name: 'from', type: 'shop.Address' },
  ],
};
const ADDRESS_PROTO = `syntax = "proto3";
package shop;
message Address {
  string city = 1;
}
`;
const PARCEL_PROTO = `syntax = "proto3";
package shop;
import "address.proto";
message Ignored {
  string nothing = 1;
}
message Parcel {
  message Part {
    string name = 1;
    int32 grams = 2;
  }
  Address to = 1;
  repeated Part parts = 2;
  map<string, int32> stamps = 3;
  oneof by {
    string lorry = 4;
    string ship = 5;
  }
}
`;
const ADDRESS_JSON = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const PARCEL_JSON = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Parcel',
  type: 'object',
  properties: { to: { $ref: 'address.json' }, grams: { type: 'integer' } },
  required: ['to'],
};
const ORDER = { item: 'lámpa', tags: ['new', ''], prices: { czk: 1.5 }, size: 'LARGE' };
const PARCEL = { to: { city: 'Praha' }, from: { city: 'Trieste' } };
const PROTO_PARCEL = {
  to: { city: 'Praha' },
  parts: [{ name: 'shade', grams: 300 }],
  stamps: { cz: 2 },
  ship: 'Argo',
};

export const FORMAT_CASES: readonly FormatCase[] = [
  {
    ...{ topic: 'avro-orders', format: 'AVRO', part: 'value', schema: JSON.stringify(ORDER_AVRO) },
    ...{ needs: [], message: '' },
    values: [
      { ...ORDER, count: 2 ** 53 - 2, note: null },
      { ...ORDER, count: -1, note: 'fragile' },
    ],
  },
  {
    ...{ topic: 'avro-keys', format: 'AVRO', part: 'key', schema: JSON.stringify(PARCEL_AVRO), message: '' },
    needs: [{ subject: 'avro-address', name: 'shop.Address', schema: JSON.stringify(ADDRESS_AVRO) }],
    values: [PARCEL],
  },
  {
    ...{
      topic: 'protobuf-parcels',
      format: 'PROTOBUF',
      part: 'value',
      schema: PARCEL_PROTO,
      message: 'shop.Parcel',
    },
    needs: [{ subject: 'address.proto', name: 'address.proto', schema: ADDRESS_PROTO }],
    values: [PROTO_PARCEL],
  },
  {
    ...{
      topic: 'json-parcels',
      format: 'JSON',
      part: 'value',
      schema: JSON.stringify(PARCEL_JSON),
      message: '',
    },
    needs: [{ subject: 'json-address', name: 'address.json', schema: JSON.stringify(ADDRESS_JSON) }],
    values: [{ to: { city: 'Praha' }, grams: 7 }],
  },
];

export function referencesOf({ needs }: FormatCase): readonly SchemaReference[] {
  return needs.map(({ name, subject }) => ({ name, subject, version: 1 }));
}
