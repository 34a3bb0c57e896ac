import path from 'node:path';
import { maxKeptAnswerBytes, openDatabase } from '../../../keepers/ledger';
import { KeptAnswers } from '../../../keepers/ledger/kept-answers';
import { bytes } from './record-bytes';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const dayMs = 24 * 3_600_000;

function keptAnswers(limitBytes?: number) {
    const database = openDatabase({ file: path.join(folder, `${Math.random()}.db`) });
    return new KeptAnswers(database, limitBytes);
}

const answer = (label: string, size: number, atMs = 1) => ({
    keyHash: bytes(label),
    sealed: Buffer.alloc(size, label),
    atMs,
});

test('all together stay within their bytes; the oldest go first', () => {
    const answers = keptAnswers(100);
    for (const [label, atMs] of [
        ['b', 2],
        ['a', 1],
        ['c', 3],
    ] as const)
        answers.keep(answer(label, 40, atMs));
    expect(answers.find(bytes('a'), 3)).toBeUndefined();
    expect(answers.find(bytes('b'), 3)).toEqual(Buffer.alloc(40, 'b'));
    expect(answers.find(bytes('c'), 3)).toEqual(Buffer.alloc(40, 'c'));
});

test('one that is too large is not kept, and pushes nothing out', () => {
    const answers = keptAnswers();
    answers.keep(answer('a', 10));
    answers.keep(answer('b', maxKeptAnswerBytes + 1));
    expect([answers.find(bytes('a'), 1)?.length, answers.find(bytes('b'), 1)]).toEqual([10, undefined]);
});

test('after a day it is forgotten, and gone from the file with the next one', () => {
    const answers = keptAnswers();
    answers.keep(answer('a', 10, 1));
    expect(answers.find(bytes('a'), 1 + dayMs)?.length).toBe(10);
    expect(answers.find(bytes('a'), 2 + dayMs)).toBeUndefined();
    answers.keep(answer('b', 10, 2 + dayMs));
    expect(answers.find(bytes('a'), 1)).toBeUndefined();
});
