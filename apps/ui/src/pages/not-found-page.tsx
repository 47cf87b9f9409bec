export function NotFoundPage() {
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        What there is: <a href="/ui/images">images</a>, <a href="/ui/machines">machines</a>,{' '}
        <a href="/ui/instances">instances</a>.
      </p>
    </>
  );
}
