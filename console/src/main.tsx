/** The console's beginning. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import 'uplot/dist/uPlot.min.css'
import './style/tokens.css'
import './style/page.css'
import './style/graph.css'
import './style/models.css'
import './style/running.css'
import './style/registry.css'
import { App } from './App.tsx'

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
