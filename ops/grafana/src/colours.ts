// The palette of Okabe and Ito, which people with any colour vision can tell apart. No panel relies
// on colour alone: states carry their names, series their legends.
export const BLUE = '#0072B2';
export const SKY = '#56B4E9';
export const GREEN = '#009E73';
export const YELLOW = '#F0E442';
export const ORANGE = '#E69F00';
export const VERMILLION = '#D55E00';
export const PURPLE = '#CC79A7';
export const MAGENTA = '#AA4499';
export const GREY = '#999999';

/** Of the theme: black on light, white on dark. */
export const TEXT = 'text';

export const SERIES: readonly string[] = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW, GREY];
