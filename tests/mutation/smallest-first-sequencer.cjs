'use strict';
const { statSync } = require('node:fs');
const Sequencer = require('@jest/test-sequencer').default;

/** Jest begins with what took longest; where one failure is enough, the small files are likelier to give it soon. */
module.exports = class SmallestFirstSequencer extends Sequencer {
    sort(tests) {
        const sizes = new Map(tests.map((test) => [test, statSync(test.path).size]));
        return [...tests].sort((a, b) => sizes.get(a) - sizes.get(b));
    }
};
