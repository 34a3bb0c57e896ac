'use strict';
const { appendFileSync, readFileSync } = require('node:fs');
const { TestEnvironment } = require('jest-environment-node');

/**
 * Runs the tests of a file once for each mutant that the plan names, the hooks of the file with them, and writes down the first
 * test that fails under each. The tests run first with no mutant in force: one that fails then says nothing.
 */
module.exports = class MutantEnvironment extends TestEnvironment {
    constructor(config, context) {
        super(config, context);
        this.plan = JSON.parse(readFileSync(process.env.COCOON_PLAN, 'utf8'));
        this.unsound = new Set();
    }

    handleTestEvent({ name, describeBlock, test }, state) {
        if (name === 'run_start') this.plant(state.rootDescribeBlock);
        if (name === 'run_describe_start' && describeBlock.mutant !== undefined) {
            this.global.cocoonMutant = describeBlock.mutant;
        }
        if (name === 'test_done' && test.errors.length > 0) this.onFailure(test);
        if (name === 'run_describe_finish' && describeBlock.mutant !== undefined) this.report(describeBlock);
    }

    plant(root) {
        const { children, hooks } = root;
        const runs = [
            { mutant: -1, names: this.plan.some(({ names }) => names === null) ? null : this.allNames() },
            ...this.plan,
        ];
        root.hooks = [];
        root.children = runs.map(({ mutant, names }) => {
            const block = {
                ...root,
                parent: root,
                name: `mutant ${mutant}`,
                mutant,
                hooks,
                children: [],
                tests: [],
                killer: null,
            };
            const wanted = names === null ? null : new Set(names);
            block.children = children.flatMap((child) => copies(child, block, '', wanted));
            return block;
        });
    }

    allNames() {
        return this.plan.flatMap(({ names }) => names);
    }

    onFailure(test) {
        let block = test.parent;
        while (block.mutant === undefined) block = block.parent;
        if (block.mutant < 0) return void this.unsound.add(test.fullName);
        if (this.unsound.has(test.fullName) || isLate(test)) return;
        block.killer ??= test.fullName;
        skipRest(block);
    }

    report({ mutant, killer }) {
        if (mutant >= 0) appendFileSync(process.env.COCOON_FATES, `${JSON.stringify({ mutant, killer })}\n`);
    }
};

/** The child, if it or anything in it is wanted. */
function copies(child, parent, prefix, wanted) {
    const fullName = prefix === '' ? child.name : `${prefix} ${child.name}`;
    if (child.type === 'test') {
        if (wanted !== null && !wanted.has(fullName)) return [];
        return [{ ...child, parent, errors: [], fullName }];
    }
    const copy = { ...child, parent, children: [], tests: [] };
    copy.children = child.children.flatMap((inner) => copies(inner, copy, fullName, wanted));
    return copy.children.length > 0 ? [copy] : [];
}

/** A test that a busy machine was too slow for says nothing about the contracts, which cannot run for long. */
function isLate(test) {
    return test.errors.flat().some((error) => /Exceeded timeout of/.test(String(error?.message ?? error)));
}

function skipRest(block) {
    for (const child of block.children) {
        if (child.type === 'test') child.mode = 'skip';
        else skipRest(child);
    }
}
