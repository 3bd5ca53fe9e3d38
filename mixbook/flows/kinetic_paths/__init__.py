r"""Kinetic-optimal Gaussian paths: the schedule from noise to data with the least kinetic energy.

Neta Shaul, Ricky T. Q. Chen, Maximilian Nickel, Matt Le, Yaron Lipman. *On Kinetic Optimal
Probability Paths for Generative Models*. ICML 2023, arXiv:2306.06626.

Noise sits at :math:`t=0`, data at :math:`t=1`, and the data are normalised: mean zero and
:math:`E|x_1|^2=d`. A schedule :math:`(a_t,m_t)` from (0, 1) to (1, 0) mixes the two. How straight
the particles fly then depends on the data through one function of the signal-to-noise ratio
:math:`s=a/m`, the *data separation* :math:`\lambda(s)`; given it, the best schedule is a straight
line in the right coordinates.

The equations carry this module's own numbers, used by the chapter as well; the paper's are given
where they are known.

=====  ===========================================================================================
(1)    path: :math:`x_t=a_tx_1+m_tx_0`, :math:`x_0\sim N(0,I)`
(2)    marginal velocity: :math:`u_t(x)=\tfrac{\dot m}{m}x+\beta_t\,E[x_1\mid x_t=x]`,
       :math:`\beta=\dot a-a\tfrac{\dot m}{m}`
(3)    posterior mean of a finite set: weights
       :math:`\propto\exp(-|x-a_tx_i|^2/2m_t^2)`
(4)    kinetic energy: :math:`\mathcal E=\tfrac1d\int_0^1E|u_t(x_t)|^2dt`
(5)    data separation: :math:`\lambda(s)=\tfrac1dE\big|E[x_1\mid sx_1+z]\big|^2`
(6)    energy through :math:`\lambda`: :math:`\mathcal E=\int_0^1\dot a^2+\dot m^2
       -\beta^2\big(1-\lambda(a/m)\big)\,dt` (the paper's Eqs. 18-21)
(7)    Gaussian data with variances :math:`v_i`: :math:`\lambda(s)=\mathrm{mean}\,
       v_i^2s^2/(1+v_is^2)`
(8)    its estimate: :math:`1-\hat\lambda=\mathrm{mean}\,|x_1-\hat x|^2/d-w\cdot\mathrm{mean}\,c`
       with controls :math:`c` of mean zero
(9)    :math:`\gamma(\theta)=1-(1-\lambda(\tan\theta))/\cos^2\theta`, with
       :math:`(a,m)=r(\sin\theta,\cos\theta)`
(10)   :math:`\mathcal E=\int_0^1\dot r^2+r^2\dot\theta^2\gamma(\theta)\,dt`
(11)   optimum (Theorem 3.1): :math:`r_t=\sqrt{1-bt+bt^2}`, :math:`\dot\theta_t=
       \sqrt{b-b^2/4}\,\big/\,(r_t^2\sqrt{\gamma(\theta_t)})`
(12)   the same as a chord: :math:`\phi(\theta)=\int_0^\theta\!\sqrt\gamma`, :math:`\Phi=
       \phi(\pi/2)`, :math:`r_te^{i\phi_t}=(1-t)+te^{i\Phi}`
(13)   :math:`b=4\sin^2(\Phi/2)`, which is the least energy
(14)   Cond-OT: :math:`\mathcal E=2-\int_0^\infty(1-\lambda)\,ds=2-\int_0^{\pi/2}(1-\gamma)\,
       d\theta`
(15)   :math:`\int_0^\infty|1-\lambda|\,ds\le3n/\sqrt d` for :math:`n` points (Theorem 4.1)
(16)   a 10-parameter angle: :math:`\theta_t=\tfrac\pi2\tfrac{N(t)-N(0)}{N(1)-N(0)}`,
       :math:`N(t)=\sum_{k=1}^3e^{p_k}\tanh(e^{q_k}(t-c_k))`
(17)   floor: :math:`\mathcal E\ge W_2^2/d\ge\tfrac1d\big(E\min_i(|z-x_i|^2-g_i)+
       \mathrm{mean}\,g\big)` for any :math:`g`
=====  ===========================================================================================

Equations (8), (12) to (14) and (17) are derived in the chapter or here; the paper minimises (10) by
gradient descent. Left out: nothing of the method. The paper's image networks and its likelihoods
are not reimplemented; `FlowMatcher` is a small network for point clouds.
"""

from mixbook.core.flow_matching import (
    VP,
    CondOT,
    GaussianPath,
    Trigonometric,
    adaptive_sample,
    euler_sample,
    flow_matching_loss,
)
from mixbook.flows.kinetic_paths._checkerboard import Checkerboard
from mixbook.flows.kinetic_paths._energy import (
    conditional_kinetic_energy,
    direct_kinetic_energy,
    energy_density,
    kinetic_energy,
    marginal_velocity,
    posterior_mean,
    transport_floor,
)
from mixbook.flows.kinetic_paths._schedule import KineticOptimalPath
from mixbook.flows.kinetic_paths._separation import (
    SeparationCurve,
    data_separation,
    data_separation_from_denoiser,
    data_separation_gaussian,
    normalize_data,
    snr_grid,
    theorem41_gap,
)
from mixbook.flows.kinetic_paths._training import FlowMatcher, train_flow

__all__ = [
    "VP",
    "Checkerboard",
    "CondOT",
    "FlowMatcher",
    "GaussianPath",
    "KineticOptimalPath",
    "SeparationCurve",
    "Trigonometric",
    "adaptive_sample",
    "conditional_kinetic_energy",
    "data_separation",
    "data_separation_from_denoiser",
    "data_separation_gaussian",
    "direct_kinetic_energy",
    "energy_density",
    "euler_sample",
    "flow_matching_loss",
    "kinetic_energy",
    "marginal_velocity",
    "normalize_data",
    "posterior_mean",
    "snr_grid",
    "theorem41_gap",
    "train_flow",
    "transport_floor",
]
