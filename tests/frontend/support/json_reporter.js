/** Node's test results as one line of JSON each, for test_frontend.py. */
export default async function* report(source) {
  const path = []; // names of the suites around the test, by depth
  for await (const { type, data } of source) {
    if (type === 'test:start') path[data.nesting] = data.name;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { error } = data.details;
    const isSuite = data.details.type === 'suite';
    if (isSuite && (!error || error.failureType === 'subtestsFailed')) continue; // its tests speak for it
    const result = {
      name: [...path.slice(0, data.nesting), data.name].join(' > '),
      passed: !error,
      skipped: data.skip === undefined ? null : String(data.skip),
      error: error ? String(error.cause?.stack ?? error) : null,
    };
    yield `${JSON.stringify(result)}\n`;
  }
}
