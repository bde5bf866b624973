/**
 * Text for bodies that are compressed: English words, some much more frequent than others, and numbers between them. It deflates about as prose does.
 * No two events near each other have the same, else a window that is kept from one to the next would find all of it there.
 */

const frequent = 'the of to and a in is it for on your with at by was has from this are be'.split(' ');

const words =
  `about above accept account action active added address after again against agent agreed alarm all allow almost already also although always
amount another answer any appear approved area around arrive article ask assigned attached attempt available average back balance bank because become
been before began behind below between bill board book both branch bring budget build business busy call cancelled card care carrier case center chance
change charge check choose city clear client close code collect comment common company complete confirm connect contact contract copy correct cost could
country course cover create credit current customer daily damage date day deal decide delay deliver delivery department deposit detail device different
direct discount discuss document does door down draft drive due during each early east edit either electric email end engine enough enter entry error
even evening event every exact example except exchange expect expire express extra fact fail family fast field file final find finish first five fix
flight floor follow force forward found four free Friday full further garden gate general given going good green ground group grow guest half hand happen
head health hear heavy help high history hold home hospital hotel hour house however hundred idea image important include increase industry inform inside
install instead insurance interest invite invoice issue item January job join journey keep key kind kitchen known large last later law lead learn least
leave left less letter level library light limit line list little local location login lost lower machine made mail main manager many mark market match
matter meeting member mention message middle might mile minute missing mobile Monday money month more morning most move much must name national near need
network never next night north nothing notice number offer office often only open operator option order other outside owner package page paid paper part
partner party pass password past pay payment pending people percent perhaps period person phone photo place plan platform please point policy position
possible post power prepare present press price print private problem process product profile program project promise proposal provide public purchase
purpose push quality quarter question quick quiet rain raise range rate reach read ready really reason receipt receive recent record reduce refund region
register reject release remain remember remind remove renew repair repeat reply report request require reserve reset result return review right river road
role room round route rule safe sale same Saturday save schedule school season seat second section security seem select send sensor series serve service
session set several share ship short show side sign signal simple since site size small software some soon source south space special staff stage standard
start state station status stay step still stock stop storage store street strong student subject such summary supply support sure surface system table
take talk task team technical temperature term test than their then there they thing third thousand three through Thursday ticket time today together
tomorrow tonight total town track trade train transfer travel treatment trip Tuesday turn type under unit until update upper urgent use user usual value
vehicle version very video view village visit voice wait walk warehouse warm warning watch water weather Wednesday week weight well west what when where
which while white whole will window winter within without woman word work world would write year yesterday yet young zone`.split(
    /\s+/,
  );

const textBytes = 2 ** 20;
/** Bodies are shorter. */
const maxBytes = 2 ** 16;
/** From the text of one event to that of the next: further than most bodies are long. */
const strideBytes = 8_192;

/** Numbers from 0 to below 1 that look like chance, the same in each process (a linear congruential generator, Numerical Recipes' constants). */
const chances = (): (() => number) => {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const pick = (list: readonly string[], chance: number): string => list[Math.floor(chance * list.length)] ?? '';

const write = (): string => {
  const chance = chances();
  const written: string[] = [];
  for (let bytes = 0; bytes < textBytes; ) {
    const kind = chance();
    const number = `${Math.floor(chance() * 100_000)}`;
    const word = kind < 0.35 ? pick(frequent, chance() ** 2) : kind < 0.95 ? pick(words, chance() ** 1.5) : number;
    const end = chance() < 0.09 ? '. ' : ' ';
    written.push(word + end);
    bytes += word.length + end.length;
  }
  return written.join('').slice(0, textBytes);
};

let text: string | null = null;

/** All of the text, one byte per character; made at first use. The load client reads it from a file. */
export const wordText = (): string => {
  text ??= write();
  return text;
};

/** `bytes` of it, at most 65,536, for event `event`. native/tally.h knows where they begin. */
export const wordsOf = (event: number, bytes: number): string => {
  const start = (event * strideBytes) % (textBytes - maxBytes);
  return wordText().slice(start, start + bytes);
};
