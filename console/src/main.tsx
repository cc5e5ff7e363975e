/** The console's beginning. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import 'uplot/dist/uPlot.min.css'
import './style/tokens.css'
import './style/page.css'
import './style/graph.css'
import './style/models.css'
import './style/running.css'
import './style/pages.css'
import './style/rail.css'
import './style/versions.css'
import './style/evidence.css'
import './style/dialog.css'
import './style/audit.css'
import './style/lineage.css'
import './style/serving.css'
import './style/batches.css'
import { App } from './App.tsx'

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
