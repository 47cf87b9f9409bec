import { useLocation } from 'preact-iso';

const places = [
  ['/ui/images', 'Images'],
  ['/ui/machines', 'Machines'],
  ['/ui/instances', 'Instances'],
] as const;

export function Navigation() {
  const { path } = useLocation();
  return (
    <header class="container overflow-auto">
      <nav aria-label="Pages">
        <ul>
          <li>
            <strong>dodai</strong>
          </li>
        </ul>
        <ul>
          {places.map(([href, name]) => (
            <li key={href}>
              <a href={href} aria-current={path.startsWith(href) ? 'page' : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}
