import { judgeSubject, mintedSubjects, mutate, realSubjects } from './mutation';

/**
 * Every sixteenth byte of real evidence, another one in each; fewer of minted evidence, which is alike. `mutate.ts` beside
 * this file changes every byte of all.
 */
const subjects = [
    ...mintedSubjects().map((subject) => ({ subject, step: 48 })),
    ...realSubjects().map((subject) => ({ subject, step: 16 })),
];

describe.each(subjects.map(({ subject, step }, i) => [subject.name, subject, step, i] as const))(
    '%s',
    (_, subject, step, i) => {
        it('is accepted as it stands', () => {
            expect(judgeSubject(subject).verdict).toBe('accepted');
        });

        it('is refused after a change of any byte that matters', () => {
            const result = mutate(subject, step, i % 16);
            expect(result.survivors).toEqual([]);
            expect(result.internalErrors).toBe(0);
            expect(result.tried).toBeGreaterThan(100);
        });
    },
);

it('padding, and padding alone, can be changed', () => {
    const [subject] = mintedSubjects();
    const quoteOnly = { ...subject!, mutateCollateral: false };
    const { padding } = mutate(quoteOnly, 1, 4900);
    expect(padding).toBeGreaterThan(0);
    expect(padding).toBeLessThan(5006 - 4900);
});
