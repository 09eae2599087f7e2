import type { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { over } from './panels.js';

// The values of the labels `kind` and `reason`, for their colours. A value that is not here is shown
// all the same.
export const SEND_ERROR_KINDS = ['rebuild', 'dead-letter', 'retry-later', 'pause-topic', 'pause-all', 'fenced'];
export const DEAD_LETTER_REASONS = ['too-large', 'invalid-record', 'invalid-timestamp', 'internal-topic', 'replay-failed'];
export const BARRED_REASONS = [
  'topic-missing',
  'topic-forbidden',
  'topic-invalid',
  'partition-missing',
  'policy',
  'refused',
  'no-leader',
  'no-ack',
];
export const APPEND_REASONS = ['too-large', 'invalid', 'full', 'busy', 'corrupt', 'unavailable'];

/** What must not be in a queue, and how often the reader had to search behind it. */
const DAMAGE = [
  { counter: 'outbox_relay_corrupt_records_total', legend: 'corrupt records' },
  { counter: 'outbox_relay_missing_sequences_total', legend: 'missing sequences' },
  { counter: 'outbox_relay_out_of_sequence_records_total', legend: 'out of sequence' },
  { counter: 'outbox_relay_standstills_total', legend: 'standstills' },
] as const;

export const DAMAGE_LEGENDS = DAMAGE.map(({ legend }) => legend);

export function damage(query: (counter: string) => string): DataqueryBuilder[] {
  return DAMAGE.map(({ counter, legend }) => over(query(counter), legend));
}
