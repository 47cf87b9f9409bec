import { LocationProvider, Route, Router } from 'preact-iso';
import { useMemo, useState } from 'preact/hooks';
import { Api, ApiContext } from './api/api.js';
import type { Said } from './api/said.js';
import { forgetToken, keepToken, storedToken } from './api/token.js';
import { ImagePage } from './pages/image-page.js';
import { ImagesPage } from './pages/images-page.js';
import { InstancesPage } from './pages/instances-page.js';
import { MachinePage } from './pages/machine-page.js';
import { MachinesPage } from './pages/machines-page.js';
import { NotFoundPage } from './pages/not-found-page.js';
import { TokenPage } from './pages/token-page.js';
import { Navigation } from './parts/navigation.js';

/** Every page, once there is a token; one that is refused leads back to the page that asks for it. */
export function App() {
  const [token, setToken] = useState(storedToken);
  const [refusal, setRefusal] = useState<Said>();
  const signIn = (given: string) => {
    keepToken(given);
    setToken(given);
  };
  const signOut = (said?: Said) => {
    forgetToken();
    setRefusal(said);
    setToken(null);
  };
  const api = useMemo(() => (token === null ? undefined : new Api(token, signOut)), [token]);
  if (!api) return <TokenPage refusal={refusal} onToken={signIn} />;
  return (
    <ApiContext.Provider value={api}>
      <LocationProvider scope="/ui">
        <Navigation />
        <main class="container">
          <Router>
            <Route path="/ui" component={ImagesPage} />
            <Route path="/ui/images" component={ImagesPage} />
            <Route path="/ui/images/:id" component={ImagePage} />
            <Route path="/ui/machines" component={MachinesPage} />
            <Route path="/ui/machines/:id" component={MachinePage} />
            <Route path="/ui/instances" component={InstancesPage} />
            <Route default component={NotFoundPage} />
          </Router>
        </main>
        <footer class="container">
          <button type="button" class="secondary outline" onClick={() => signOut()}>
            Sign out
          </button>
        </footer>
      </LocationProvider>
    </ApiContext.Provider>
  );
}
