r"""LightSB: the light Schrödinger bridge.

Alexander Korotin, Nikita Gushchin, Evgeny Burnaev. *Light Schrödinger Bridge*. ICLR 2024,
arXiv:2310.01174.

A Schrödinger bridge between two populations :math:`p_0` and :math:`p_1` is the process that starts
as one, ends as the other and stays as close as possible (in KL) to a Brownian motion of variance
:math:`\varepsilon`. Its end points follow the entropic optimal transport plan with cost
:math:`\tfrac12|x-y|^2`. LightSB writes the one unknown function of that plan as an unnormalised
mixture of Gaussians; then plan, drift, samples and loss are all closed form.

The equations carry this module's own numbers, used by the chapter as well (the numbers of the paper
are not used). Throughout, :math:`B_k(t) = tS_k + (1-t)I`.

=====  ===========================================================================================
(1)    plan: :math:`\pi^*(x,y) = p_0(x)\,e^{\langle x,y\rangle/\varepsilon}\,v^*(y)\,/\,c^*(x)`
(2)    normaliser: :math:`c(x) = \int e^{\langle x,y\rangle/\varepsilon}\,v(y)\,dy`
(3)    potential: :math:`v(y) = \sum_k \alpha_k N(y\mid r_k, \varepsilon S_k)`
(4)    :math:`\tilde\alpha_k(x) = \alpha_k \exp\big((x^\top S_k x + 2 r_k^\top x)/2\varepsilon\big)`
(5)    :math:`c(x) = \sum_k \tilde\alpha_k(x)`
(6)    :math:`\pi(y\mid x) = c(x)^{-1}\sum_k \tilde\alpha_k(x)\,N(y\mid r_k+S_kx,\,\varepsilon S_k)`
(7)    loss: :math:`L = E_{p_0}\log c(x_0) - E_{p_1}\log v(x_1)`
(8)    :math:`\mathrm{KL}(\pi^*\|\pi) = L - L^*`
(9)    :math:`\log u_k(x,t) = \log\alpha_k - \tfrac12\log|B_k| + \big[x^\top B_k^{-1}(S_k-I)x
       + 2r_k^\top B_k^{-1}x - t\,r_k^\top B_k^{-1}r_k\big]/2\varepsilon`
(10)   drift: :math:`g(x,t) = \sum_k \mathrm{softmax}_k(\log u_k)\,B_k^{-1}\big[(S_k-I)x+r_k\big]`
(11)   :math:`x_t = (1-t)x + ty + \sqrt{\varepsilon t(1-t)}\,z` given the end points
(12)   bridge step: mean :math:`x_s + \tfrac{t-s}{1-s}(y-x_s)`, variance
       :math:`\varepsilon\tfrac{(t-s)(1-t)}{1-s}`
(13)   Gaussian case: :math:`S = C_0^{-1/2}\big(C_0^{1/2}C_1C_0^{1/2}+\tfrac{\varepsilon^2}4I
       \big)^{1/2}C_0^{-1/2} - \tfrac\varepsilon2C_0^{-1}`, :math:`r = m_1 - Sm_0`
(14)   benchmark: :math:`\varepsilon S_k = (V_k^{-1}+I/\varepsilon)^{-1}`,
       :math:`r_k = \varepsilon S_kV_k^{-1}c_k`, :math:`\log\alpha_k = \log w_k +
       \tfrac12\log(|\varepsilon S_k|/|V_k|) - \tfrac12c_k^\top(V_k+\varepsilon I)^{-1}c_k`
(15)   :math:`BW^2(a,b) = \tfrac12|m_a-m_b|^2 + \tfrac12\mathrm{tr}A + \tfrac12\mathrm{tr}B
       - \mathrm{tr}(A^{1/2}BA^{1/2})^{1/2}`
(16)   energy distance: :math:`E|x-y| - \tfrac12E|x-x'| - \tfrac12E|y-y'|`
=====  ===========================================================================================

Equations (9) and (10) are the paper's drift after two steps of algebra: the factors that blow up at
:math:`t = 1` cancel, so no limit is needed and no automatic differentiation either. (The form with
:math:`N(h_k\mid 0, A_k)` that one finds in print has the sign of its exponent reversed;
:math:`\exp(+\tfrac12h_k^\top A_k^{-1}h_k)` is what the integral gives and what is computed here.)

Left out: nothing of the method. Neural solvers, the paper's competitors, are not reimplemented.
"""

from mixbook.flows.light_sb._baselines import IndependentPlan, SinkhornPlan
from mixbook.flows.light_sb._benchmark import (
    MixtureBenchmark,
    cbw2_uvp,
    energy_distance,
    make_mixture_benchmark,
)
from mixbook.flows.light_sb._estimator import LightSB
from mixbook.flows.light_sb._gaussian import GaussianBridge, gaussian_loss, gaussian_sb, plan_kl
from mixbook.flows.light_sb._potential import (
    conditional_mean,
    conditional_moments,
    drift,
    light_sb_loss,
    log_normaliser,
    log_potential,
    tilted_log_weights,
)

__all__ = [
    "GaussianBridge",
    "IndependentPlan",
    "LightSB",
    "MixtureBenchmark",
    "SinkhornPlan",
    "cbw2_uvp",
    "conditional_mean",
    "conditional_moments",
    "drift",
    "energy_distance",
    "gaussian_loss",
    "gaussian_sb",
    "light_sb_loss",
    "log_normaliser",
    "log_potential",
    "make_mixture_benchmark",
    "plan_kl",
    "tilted_log_weights",
]
