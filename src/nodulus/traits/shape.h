#pragma once

#include <vector>

#include "nodulus/traits/region.h"

namespace nodulus::traits {

/// Size and form of an outline, in mm. NaN: the region is empty, or has too few pixels for that number (kLeastPixels).
struct Shape {
  double area = 0;                 ///< mm²: pixels times their area.
  double equivalent_diameter = 0;  ///< mm: of the disc of that area.
  double longest_diameter = 0;     ///< mm: between the two points of the smoothed border farthest apart.
  double perimeter = 0;            ///< mm.
  double circularity = 0;          ///< 4 pi area / perimeter²; 1 for a disc, and never above.
  double elongation = 0;           ///< Minor over major axis of the ellipse of the same second moments; 1 for a disc.
  double spiculation = 0;          ///< Relative deviation of the border from that ellipse; 0 for an ellipse.
  double lobulation = 0;           ///< Share of the convex hull that the outline does not fill; 0 for a convex one.
};

/// An outline of fewer pixels says nothing of its form beyond its axes: circularity, spiculation and lobulation are
/// NaN.
inline constexpr int kLeastPixels = 12;

/// Measures a region in one part and without holes. A region that runs beyond the image is measured as cut.
///
/// perimeter: the corner count of Vossepoel and Smeulders 1982 (Computer Graphics and Image Processing 20, p. 347),
/// 0.980 n_e + 1.406 n_o - 0.091 n_c, over the chain of border pixels with n_e even and n_o odd steps and n_c corners.
/// It is the length of a chain of pixel centres; a border half a pixel farther out is longer by pi pixels (Steiner),
/// whatever the form. Discs, and ellipses of axes 2 : 1, at random places and angles: within 1 % on average from 12
/// pixels on.
///
/// spiculation: with r the distance of a point of the border from the centroid, divided by that of the ellipse in the
/// same direction, the standard deviation of r over its mean. A digitised border deviates by 1/18 pixel² even where the
/// true one does not (an edge's middle lies evenly within half a pixel of it, along the grid): that variance is taken
/// off.
///
/// lobulation: 1 - A / A_hull of the border's polygon, smoothed along its course by (1 2 1)/4 twice against the steps
/// of the grid. longest_diameter: smoothed once; a disc of 8 pixels across comes out 3 % too long, an ellipse 1 % too
/// short.
Shape measure_shape(const Region& outline, double spacing_mm);

/// The middles of the border's edges, `passes` times smoothed along it: p_i <- (p_{i-1} + 2 p_i + p_{i+1}) / 4.
std::vector<Point> smoothed_border(const std::vector<BorderEdge>& border, int passes);

/// The corners of the smallest convex polygon around the points, in order; fewer than 3 where they lie on one line.
std::vector<Point> convex_hull(std::vector<Point> points);

/// The area of a polygon that does not cross itself, in the points' unit squared.
double polygon_area(const std::vector<Point>& corners);

}  // namespace nodulus::traits
