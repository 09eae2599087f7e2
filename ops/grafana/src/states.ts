import { MappingType, type ValueMapping, type ValueMappingResult } from '@grafana/grafana-foundation-sdk/dashboard';
import { BLUE, GREEN, GREY, MAGENTA, ORANGE, PURPLE, SKY, VERMILLION, YELLOW } from './colours.js';

/**
 * The states of delivery, worst last. A panel that shows one state needs one number, and gets the
 * place in this list, counted from 1.
 */
export const STATES: readonly { readonly name: string; readonly colour: string }[] = [
  { name: 'delivering', colour: BLUE },
  { name: 'idle', colour: GREEN },
  { name: 'probing', colour: SKY },
  { name: 'renewing', colour: SKY },
  { name: 'connecting', colour: SKY },
  { name: 'draining', colour: GREY },
  { name: 'stopped', colour: GREY },
  { name: 'stalled', colour: ORANGE },
  { name: 'backing-off', colour: YELLOW },
  { name: 'paused-topic', colour: PURPLE },
  { name: 'paused-all', colour: VERMILLION },
  { name: 'fenced', colour: MAGENTA },
];

/** Ends what a panel of states says. */
export const STATES_EXPLAINED =
  'Delivering and idle are well. Stalled and backing-off: Kafka does not answer. Paused and fenced: somebody has to ' +
  'mend something.';

/** PromQL: the number of each outbox's present state. */
export function stateNumber(selector: string): string {
  const numbers = STATES.map(
    ({ name }, place) => `outbox_relay_producer_state{state="${name}", ${selector}} * ${place + 1}`,
  );
  return `max by (instance, outbox) (${numbers.join(' or ')})`;
}

/** Shows those numbers as names. */
export const STATE_NAMES: ValueMapping[] = [
  {
    type: MappingType.ValueToText,
    options: Object.fromEntries(
      STATES.map(({ name, colour }, place): [string, ValueMappingResult] => [
        String(place + 1),
        { text: name, color: colour, index: place },
      ]),
    ),
  },
];
