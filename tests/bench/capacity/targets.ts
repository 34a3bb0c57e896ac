import type { DispatcherFigures } from './measure-dispatcher';
import type { PickFigures } from './measure-pick';

type Figures = DispatcherFigures & PickFigures;

/** What is promised at 10 000 nodes and 100 000 escrows. */
const targets: readonly { figure: keyof Figures; atMost: number }[] = [
    { figure: 'pickP99Micros', atMost: 20 },
    { figure: 'admitP99Micros', atMost: 100 },
    { figure: 'startupSeconds', atMost: 10 },
    { figure: 'memoryMb', atMost: 1_500 },
];

/** A sentence for each promise that the run does not keep. */
export function missedTargets(figures: Figures): string[] {
    return targets
        .filter(({ figure, atMost }) => !(figures[figure] <= atMost))
        .map(({ figure, atMost }) => `${figure} is ${figures[figure]}, promised at most ${atMost}`);
}
