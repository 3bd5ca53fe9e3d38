r"""Ambient diffusion on clean and noisy data, and what a noisy sample is worth.

Giannis Daras, Yeshwanth Cherapanamjeri, Constantinos Daskalakis. *How much is a noisy image worth?
Data Scaling Laws for Ambient Diffusion*. ICLR 2025, arXiv:2411.02780.

Some items are clean, most carry Gaussian noise of known level. Above its own noise an item teaches
a denoiser as well as a clean one does, if the denoiser is asked to predict the item *as it was
given*; below, only cleaner items teach. A mixture of Gaussians with samples of different noise
explains what each is worth. The equations carry this module's own numbers, used by the chapter as
well; those marked * are computed in `mixbook.core.diffusion`.

======  ==========================================================================================
(1)     :math:`x_t = x_0 + \sigma_t z`; a noisy item is given as :math:`x_{t_n} = x_0+\sigma_{t_n}z`
(2)     :math:`x_t = x_{t_n} + (\sigma_t^2 - \sigma_{t_n}^2)^{1/2} z`
(3)     :math:`E[x_{t_n}\mid x_t] = (1 - \sigma_{t_n}^2/\sigma_t^2)\,E[x_0\mid x_t] +
        (\sigma_{t_n}^2/\sigma_t^2)\,x_t`
(4)     loss: :math:`E\,w(\sigma_t)\,|(1 - \sigma_{t_n}^2/\sigma_t^2)\,h(x_t,\sigma_t) +
        (\sigma_{t_n}^2/\sigma_t^2)\,x_t - x_{t_n}|^2`
(5)*    :math:`w(\sigma) = (\sigma^2 + \sigma_d^2)/(\sigma\sigma_d)^2`
(6)*    :math:`h = c_{skip}x + c_{out}F(c_{in}x, c_{noise})` with :math:`c_{skip} = \sigma_d^2/(
        \sigma^2+\sigma_d^2)`, :math:`c_{out} = \sigma\sigma_d c_{in}`,
        :math:`c_{in} = (\sigma^2+\sigma_d^2)^{-1/2}`, :math:`c_{noise} = \tfrac14\log\sigma`
(7)*    training levels: :math:`\log\sigma \sim N(-1.2, 1.2^2)`, given :math:`\sigma>\sigma_{t_n}`
(8)     consistency: :math:`E\,|\tfrac1P\sum_p h(x_{t'}^p,\sigma') - h(x_t,\sigma)|^2`
(9)*    reverse step: :math:`x \leftarrow x + 2\delta(h - x)/\sigma + (2\delta\sigma)^{1/2} z`
(10)*   sampling levels: :math:`\sigma_i = (\sigma_{max}^{1/\rho} + \tfrac i{N-1}(
        \sigma_{min}^{1/\rho} - \sigma_{max}^{1/\rho}))^\rho`, then 0
(11)*   Heun's step on :math:`dx/d\sigma = (x - h)/\sigma`
(12)    :math:`r_{ik} \propto w_k \exp(-|x_i-\mu_k|^2/2\sigma_i^2)`
(13)    :math:`\mu_k = \sum_i (r_{ik}/\sigma_i^2)x_i / \sum_i (r_{ik}/\sigma_i^2)`,
        :math:`w_k = \tfrac1n\sum_i r_{ik}`
(14)    :math:`C = \sum_i\omega_i(x_ix_i^\top-\sigma_i^2I)`, :math:`\omega_i\propto\min(1,
        \sigma_i^{-4})`
(15)    :math:`n_d = \sum_i\min(1,\sigma_i^{-4})`, :math:`n_l = \sum_i\min(1,\sigma_i^{-(4k-2)})`
(16)    error in W1: :math:`(d/n_d)^{1/4} + n_l^{-1/(4k-2)}` up to constants and logarithms
(17)    :math:`I = \int p\,(\nabla\log p)(\nabla\log p)^\top dx` in atoms and weights
(18)    :math:`n_{eff} = n_{clean} + n_{noisy}/\mathrm{price}`
(19)    :math:`|m_x-m_y|^2 + \mathrm{tr}(A + B - 2(A^{1/2}BA^{1/2})^{1/2})`
(20)    :math:`m_r = \sum_i\omega_i\sigma_i^r He_r(x_i/\sigma_i)`, :math:`\omega_i\propto\min(1,
        \sigma_i^{-(4k-2)})`
======  ==========================================================================================

Left out: the U-Nets with their dropout and augmentation (any network can be handed in), and, of the
theory's estimator, the search over a net in k dimensions, whose cost is exponential in k. Its two
stages are here as the subspace of (14) and, on a line, the moment fit of (20); in k dimensions EM,
(12) and (13), takes the place of the search.
"""

from mixbook.core.diffusion import EDMPrecond, MLPDenoiser, edm_sampler
from mixbook.core.transport import sliced_wasserstein
from mixbook.flows.ambient._estimator import AmbientDiffusion, draw_batch
from mixbook.flows.ambient._evaluation import (
    IsotropicMixture,
    atom_error,
    atomic_w1,
    frechet_gaussian,
    make_mixed_dataset,
    price_estimate,
    price_of_noise,
    ring_of_gaussians,
)
from mixbook.flows.ambient._losses import ambient_loss, consistency_loss, diffuse, ve_to_ve
from mixbook.flows.ambient._mixture import (
    HeteroscedasticGMM,
    denoised_moments,
    effective_sample_sizes,
    error_rate,
    fisher_information_atoms,
    fit_atoms_1d,
    spectral_subspace,
)

__all__ = [
    "AmbientDiffusion",
    "EDMPrecond",
    "HeteroscedasticGMM",
    "IsotropicMixture",
    "MLPDenoiser",
    "ambient_loss",
    "atom_error",
    "atomic_w1",
    "consistency_loss",
    "denoised_moments",
    "diffuse",
    "draw_batch",
    "edm_sampler",
    "effective_sample_sizes",
    "error_rate",
    "fisher_information_atoms",
    "fit_atoms_1d",
    "frechet_gaussian",
    "make_mixed_dataset",
    "price_estimate",
    "price_of_noise",
    "ring_of_gaussians",
    "sliced_wasserstein",
    "spectral_subspace",
    "ve_to_ve",
]
